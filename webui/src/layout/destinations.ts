/**
 * The places of the admin, in the order of the navigation. `key` follows `g` to go there. `phone`: in the bottom bar, which holds four;
 * the others are under “More”.
 */
export const destinations = [
  { name: 'tasks', label: 'nav.tasks', icon: 'i-lucide-list-checks', key: 't', phone: true },
  { name: 'executions', label: 'nav.executions', icon: 'i-lucide-activity', key: 'e', phone: true },
  { name: 'timeline', label: 'nav.timeline', icon: 'i-lucide-chart-gantt', key: 'l', phone: false },
  { name: 'calendars', label: 'nav.calendars', icon: 'i-lucide-calendar-days', key: 'c', phone: true },
  { name: 'functions', label: 'nav.functions', icon: 'i-lucide-puzzle', key: 'f', phone: true },
  { name: 'plugins', label: 'nav.plugins', icon: 'i-lucide-package', key: 'p', phone: false },
  { name: 'settings', label: 'nav.settings', icon: 'i-lucide-settings', key: 's', phone: false },
] as const

export type Destination = (typeof destinations)[number]['name']
