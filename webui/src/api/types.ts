/** Short names for the shapes of the generated document. Nothing is described by hand here: the server decides. */
import type { components, paths } from './schema'

type Schemas = components['schemas']

export type Task = Schemas['Task']
export type NewTask = Schemas['NewTask']
export type TaskChange = Schemas['TaskChange']
export type TaskList = Schemas['TaskList']
export type TaskDetail = Schemas['TaskDetail']
export type TaskQuery = NonNullable<paths['/api/scheduler/tasks']['get']['parameters']['query']>
export type Execution = Schemas['Execution']
export type ExecutionDetail = Schemas['ExecutionDetail']
export type ExecutionList = Schemas['ExecutionList']
export type Attempt = Schemas['Attempt']
export type LogLine = Schemas['LogLine']
export type LogPage = Schemas['LogPage']
export type ExecutionQuery = NonNullable<paths['/api/scheduler/executions']['get']['parameters']['query']>
export type ExecutionStatus = Execution['status']
export type ExecutionTrigger = Execution['trigger']
export type RecentResult = Schemas['RecentResult']
export type RegisteredFunction = Schemas['Function']
export type PluginRecord = Schemas['Plugin']
export type SchedulePreview = Schemas['Preview']
export type Stats = Schemas['Stats']
export type Session = Schemas['Session']
export type Problem = Schemas['Problem']
export type FieldError = Schemas['ProblemField']
