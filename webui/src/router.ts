import { watch } from 'vue'
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { useSession } from './composables/useSession'
import { withMessages } from './i18n'
import type { Destination } from './layout/destinations'
import { calendarRoutes } from './pages/calendars/routes'
import { executionRoutes } from './pages/executions/routes'
import { functionRoutes } from './pages/functions/routes'
import { pluginRoutes } from './pages/plugins/routes'
import { settingsRoutes } from './pages/settings/routes'
import { taskRoutes } from './pages/tasks/routes'

declare module 'vue-router' {
  interface RouteMeta {
    /** The entry of the navigation this page belongs to. */
    place?: Destination
    /** Shown without sign-in, and without the shell. */
    public?: boolean
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/', redirect: { name: 'tasks' } },
  { path: '/sign-in', name: 'sign-in', component: withMessages(['session'], () => import('./pages/session/SignInPage.vue')), meta: { public: true } },
  ...taskRoutes,
  ...executionRoutes,
  ...calendarRoutes,
  ...functionRoutes,
  ...pluginRoutes,
  ...settingsRoutes,
  { path: '/:rest(.*)*', name: 'not-found', component: () => import('./layout/NotFoundPage.vue') },
]

/** The pages by address. Whoever is not signed in is led to the sign-in page and back to where they wanted to go. */
export function createAppRouter() {
  const session = useSession()
  const router = createRouter({
    history: createWebHistory(import.meta.env.BASE_URL),
    routes,
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
  })
  router.beforeEach(async (to) => {
    // When the server cannot be asked, the page is shown: it says itself what it could not load.
    if (to.meta.public || (await session.check().catch(() => true))) return true
    return { name: 'sign-in', query: { next: to.fullPath }, replace: true }
  })
  watch(session.state, (state, before) => {
    const here = router.currentRoute.value
    if (state === 'out' && before === 'in' && !here.meta.public) {
      void router.replace({ name: 'sign-in', query: { next: here.fullPath } })
    }
  })
  return router
}
