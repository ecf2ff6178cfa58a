import './styles/main.css'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import { takeTokenFromAddress, useSession } from './composables/useSession'
import App from './App.vue'
import { i18n, startLanguage } from './i18n'
import { watchLoading } from './live/loading'
import { createQueryClient } from './queryClient'
import { createAppRouter } from './router'

// None of the kit's plugins is installed. Those of colours and colour mode write <style> elements, which the content security policy
// forbids: see styles/kit-colors.css and composables/useTheme.ts; its icons are drawn by kitIcon.ts.
const app = createApp(App).use(i18n).use(VueQueryPlugin, { queryClient: createQueryClient() })

async function start() {
  const token = takeTokenFromAddress()
  await Promise.all([
    // A language whose text cannot be had is no reason to show nothing: English is here.
    startLanguage().catch(() => undefined),
    // A link that does not work leads to the sign-in page, which says more.
    token === null ? undefined : useSession().signIn(token).catch(() => undefined),
  ])
  const router = createAppRouter()
  watchLoading(router)
  app.use(router)
  app.mount('#app')
}

void start()
