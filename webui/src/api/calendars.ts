import { client, send } from './client'
import type { Calendar, CalendarCoverage, CalendarSummary, ImportedCalendar, NewCalendar } from './types'

const PAGE = 100

/** Every calendar, by name, without its entries. */
export async function fetchCalendars(signal?: AbortSignal): Promise<CalendarSummary[]> {
  const found: CalendarSummary[] = []
  for (let page = 1; ; page += 1) {
    const { list, total } = await send(client.GET('/api/scheduler/calendars', { params: { query: { page, pageSize: PAGE } }, signal }))
    found.push(...list)
    if (list.length === 0 || found.length >= total) return found
  }
}

export async function fetchCalendar(id: string, signal?: AbortSignal): Promise<Calendar> {
  return send(client.GET('/api/scheduler/calendars/{calendarId}', { params: { path: { calendarId: id } }, signal }))
}

export async function createCalendar(body: NewCalendar): Promise<Calendar> {
  return send(client.POST('/api/scheduler/calendars', { body }))
}

/** Refused with 412 when the calendar has changed since `revision` was read. */
export async function updateCalendar(id: string, body: NewCalendar, revision: number): Promise<Calendar> {
  return send(client.PUT('/api/scheduler/calendars/{calendarId}', { params: { path: { calendarId: id } }, body, headers: { 'If-Match': `"${revision}"` } }))
}

/** Refused with 409 while tasks heed it; the answer names them. */
export async function deleteCalendar(id: string): Promise<void> {
  await send(client.DELETE('/api/scheduler/calendars/{calendarId}', { params: { path: { calendarId: id } } }))
}

/** Makes a calendar of an iCalendar (.ics) file, or with `id` replaces the dates and windows of one. */
export async function importCalendar(file: Blob, id?: string): Promise<ImportedCalendar> {
  const sent = { body: file as never, bodySerializer: (body: unknown) => body as Blob, headers: { 'Content-Type': 'text/calendar' } }
  if (id === undefined) return send(client.POST('/api/scheduler/calendars/import', sent))
  return send(client.POST('/api/scheduler/calendars/{calendarId}/import', { params: { path: { calendarId: id } }, ...sent }))
}

/** The days that a calendar covers in the coming year. */
export async function fetchCoverage(id: string, signal?: AbortSignal): Promise<CalendarCoverage> {
  return send(client.GET('/api/scheduler/calendars/{calendarId}/preview', { params: { path: { calendarId: id } }, signal }))
}
