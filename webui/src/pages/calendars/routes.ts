import type { RouteRecordRaw } from 'vue-router'
import { withMessages } from '@/i18n'

export const calendarRoutes: RouteRecordRaw[] = [
  { path: '/calendars', name: 'calendars', component: withMessages(['calendars'], () => import('./CalendarsPage.vue')), meta: { place: 'calendars' } },
  { path: '/calendars/new', name: 'calendar-new', component: withMessages(['calendars'], () => import('./CalendarRoute.vue')), meta: { place: 'calendars' } },
  { path: '/calendars/:id', name: 'calendar', component: withMessages(['calendars'], () => import('./CalendarRoute.vue')), props: true, meta: { place: 'calendars' } },
]
