import { addAPIProvider, _api, getIcon } from '@iconify/vue'

/** Icons come with the build. A missing one stays blank: nothing is ever fetched from the icon library's public server. */
export function noForeignIcons(): void {
  addAPIProvider('', { resources: [] })
  _api.setFetch(() => Promise.reject(new Error('icons are bundled')))
}

const paths = new Map<string, string>()

/**
 * The lines of one of the bundled icons as a single SVG path, 24 units wide: for what stands in each row of a long list, where the
 * kit's icon would take longer to draw than all the rest.
 */
export function iconPath(name: string): string {
  const known = paths.get(name)
  if (known !== undefined) return known
  const body = getIcon(name.replace(/^i-lucide-/, 'lucide:'))?.body ?? ''
  const circle = body.includes('<circle cx="12" cy="12" r="10"') ? 'M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20' : ''
  const path = circle + [...body.matchAll(/ d="([^"]+)"/g)].map((each) => each[1]).join('')
  if (path) paths.set(name, path)
  return path
}
