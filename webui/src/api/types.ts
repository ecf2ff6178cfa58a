/** Short names for the shapes of the generated document. Nothing is described by hand here: the server decides. */
import type { components, paths } from './schema'

type Schemas = components['schemas']

export type Task = Schemas['Task']
export type TaskCreate = Schemas['TaskCreate']
export type TaskUpdate = Schemas['TaskUpdate']
export type TaskPage = Schemas['TaskPage']
export type TaskDetail = Schemas['TaskDetail']
export type TaskQuery = NonNullable<paths['/api/scheduler/tasks']['get']['parameters']['query']>
export type Execution = Schemas['Execution']
export type ExecutionPage = Schemas['ExecutionPage']
export type ExecutionQuery = NonNullable<paths['/api/scheduler/executions']['get']['parameters']['query']>
export type ExecutionStatus = Execution['status']
export type ExecutionTrigger = Execution['trigger']
export type RecentResult = Task['recentResults'][number]
export type RegisteredFunction = Schemas['Function']
export type PluginRecord = Schemas['Plugin']
export type SchedulePreview = Schemas['Preview']
export type Stats = Schemas['Stats']
export type Problem = Schemas['Problem']
export type FieldError = NonNullable<Problem['errors']>[number]
