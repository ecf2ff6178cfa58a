import { fileURLToPath, URL } from 'node:url'
import vueI18n from '@intlify/unplugin-vue-i18n/vite'
import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { precompress } from './build/precompress.ts'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

// The core serves what lands in outDir under `base`. Components, composables and icons are named explicitly in the
// code: no generated declaration files, so a fresh checkout type-checks without a build.
export default defineConfig({
  base: '/admin/scheduler/',
  plugins: [
    // No component here or in the kit is written with the options API, so its code can be left out.
    vue({ features: { optionsAPI: false } }),
    vueI18n({ include: [path('./src/locales/**')], strictMessage: false, dropMessageCompiler: true, runtimeOnly: true }),
    ui({
      autoImport: false,
      components: false,
      dts: false,
      colorMode: false,
      experimental: { componentDetection: true },
      icon: { clientBundle: { scan: { globInclude: ['src/**/*.{vue,ts}'] } } },
      ui: {
        colors: {
          primary: 'indigo',
          secondary: 'zinc',
          success: 'emerald',
          info: 'blue',
          warning: 'amber',
          error: 'rose',
          neutral: 'zinc',
        },
      },
    }),
    precompress(),
  ],
  // The kit's icon library is as large as the router, and every page would load it: `src/kitIcon.ts` does what the kit asks of it.
  resolve: { alias: { '@iconify/vue': path('./src/kitIcon.ts'), '@': path('./src') } },
  build: {
    outDir: path('../core/cronplug/static'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What most pages share comes as one file; what forms and the log viewer need stays apart, for it is large.
        // What lists are made of comes as another one: many small files are slow to ask for.
        codeSplitting: {
          groups: [
            { name: 'lists', test: /\/src\/(components\/(ListPager|SearchField|PulseStrip|StatStrip|fields\/SelectField)\.vue|pages\/tasks\/(taskQueries|useTaskActions)\.ts)/ },
            { name: 'shared', priority: 1, test: /\/src\/(?!pages\/|palette\/|components\/(log|schema-form|fields)\/|components\/(ConfirmDialog|FoldSection|ListPager|SearchField|PulseStrip|StatStrip)\.|composables\/(useOutcome|useServerSentences)\.|utils\/(schema|spans|zoned|serverSentences)\.)/, minShareCount: 3 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:3399' } },
  test: { environment: 'happy-dom', include: ['src/**/*.spec.ts'] },
})
