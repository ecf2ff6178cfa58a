import { readStream, type StreamOptions } from './stream'

/** Something changed on the server. `id` names it; the new state is fetched, never sent. */
export interface ChangeEvent {
  kind: 'task' | 'execution' | 'plugin' | 'stats' | 'log' | 'calendar'
  id: string
  change: 'created' | 'updated' | 'deleted'
}

/** Reads the stream of changes until it ends or is aborted. */
export async function readEvents(
  options: Omit<StreamOptions, 'onMessage' | 'lastEventId'> & { onChange: (event: ChangeEvent) => void },
): Promise<void> {
  await readStream('/api/scheduler/events', {
    ...options,
    onMessage: ({ event, data }) => {
      if (event === 'bye' || event === 'message') return
      const { id, change } = JSON.parse(data) as Omit<ChangeEvent, 'kind'>
      options.onChange({ kind: event as ChangeEvent['kind'], id, change })
    },
  })
}
