import type { RouteRecordRaw } from 'vue-router'
import { withMessages } from '@/i18n'

export const timelineRoutes: RouteRecordRaw[] = [
  { path: '/timeline', name: 'timeline', component: withMessages(['timeline'], () => import('./TimelinePage.vue')), meta: { place: 'timeline' } },
]
