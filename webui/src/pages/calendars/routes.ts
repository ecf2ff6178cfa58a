import type { RouteRecordRaw } from 'vue-router'

export const calendarRoutes: RouteRecordRaw[] = [
  { path: '/calendars', name: 'calendars', component: () => import('./CalendarsPage.vue'), meta: { place: 'calendars' } },
  { path: '/calendars/new', name: 'calendar-new', component: () => import('./CalendarRoute.vue'), meta: { place: 'calendars' } },
  { path: '/calendars/:id', name: 'calendar', component: () => import('./CalendarRoute.vue'), props: true, meta: { place: 'calendars' } },
]
