import type { RouteRecordRaw } from 'vue-router'
import { withMessages } from '@/i18n'

/** The form lies over the list or the task page: a real address, so it can be linked and Back closes it. */
export const taskRoutes: RouteRecordRaw[] = [
  {
    path: '/tasks',
    component: withMessages(['tasks'], () => import('./TasksPage.vue')),
    meta: { place: 'tasks' },
    children: [
      { path: '', name: 'tasks', component: { render: () => null } },
      { path: 'new', name: 'task-new', component: withMessages(['taskForm', 'functions'], () => import('../task-form/TaskFormRoute.vue')), props: { mode: 'create' } },
      { path: ':id/copy', name: 'task-copy', component: withMessages(['taskForm', 'functions'], () => import('../task-form/TaskFormRoute.vue')), props: (route) => ({ mode: 'copy', id: route.params.id }) },
      { path: ':id/edit', name: 'task-edit', component: withMessages(['taskForm', 'functions'], () => import('../task-form/TaskFormRoute.vue')), props: (route) => ({ mode: 'edit', id: route.params.id }) },
    ],
  },
  { path: '/tasks/:id', name: 'task', component: withMessages(['tasks', 'taskPage', 'taskForm', 'executions'], () => import('../task/TaskPage.vue')), props: true, meta: { place: 'tasks' } },
]
