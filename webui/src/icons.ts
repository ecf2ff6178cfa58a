import { addAPIProvider, _api } from '@iconify/vue'

/** Icons come with the build. A missing one stays blank: nothing is ever fetched from the icon library's public server. */
export function noForeignIcons(): void {
  addAPIProvider('', { resources: [] })
  _api.setFetch(() => Promise.reject(new Error('icons are bundled')))
}
