/** The places of the admin, in the order of the navigation. `phone`: also in the bottom bar, which holds four. */
export const destinations = [
  { name: 'tasks', label: 'nav.tasks', icon: 'i-lucide-list-checks', phone: true },
  { name: 'executions', label: 'nav.executions', icon: 'i-lucide-activity', phone: true },
  { name: 'calendars', label: 'nav.calendars', icon: 'i-lucide-calendar-days', phone: false },
  { name: 'functions', label: 'nav.functions', icon: 'i-lucide-puzzle', phone: true },
  { name: 'plugins', label: 'nav.plugins', icon: 'i-lucide-package', phone: false },
  { name: 'settings', label: 'nav.settings', icon: 'i-lucide-settings', phone: true },
] as const

export type Destination = (typeof destinations)[number]['name']
