import type { FieldError, Problem } from './types'

/** `status` of a call that never got an answer: the server is down or the network is. */
export const UNREACHABLE = 0

/** A call the server refused (RFC 9457 problem details) or that never reached it. */
export class ProblemError extends Error {
  readonly status: number
  readonly code: string
  readonly errors: readonly FieldError[]
  /** Names the request in the server's log; null when the server sent none. */
  readonly requestId: string | null

  constructor(facts: { status: number; code: string; message: string; errors?: readonly FieldError[]; requestId?: string | null }) {
    super(facts.message)
    this.name = 'ProblemError'
    this.status = facts.status
    this.code = facts.code
    this.errors = facts.errors ?? []
    this.requestId = facts.requestId ?? null
  }

  /** The fault the server found with one field, by its dotted JSON name. */
  ofField(field: string): FieldError | undefined {
    return this.errors.find((error) => error.field === field)
  }
}

/** Reads an error answer, whatever stands in it: a proxy in between may answer with anything. */
export function toProblemError(body: unknown, response: Response): ProblemError {
  const problem = isProblem(body) ? body : null
  return new ProblemError({
    status: response.status,
    code: problem?.code ?? 'http_error',
    message: problem?.detail || problem?.title || `${response.status} ${response.statusText}`.trim(),
    errors: problem?.errors ?? [],
    requestId: response.headers.get('X-Request-ID'),
  })
}

/** A fault of one field, in the words of the server, which are English, or in the admin's `own`. */
export interface Fault extends FieldError {
  own?: boolean
}

/** What is told at a field: a text alone is the admin's own. */
export type ToldFault = string | Pick<Fault, 'message' | 'own'>

/** A fault that was found without asking the server. */
export function fieldFault(field: string, message: string): Fault {
  return { field, message, code: null, position: null, pointer: null, own: true }
}

/** The error of a call that got no answer. */
export function unreachable(cause: unknown): ProblemError {
  return new ProblemError({ status: UNREACHABLE, code: 'unreachable', message: cause instanceof Error ? cause.message : String(cause) })
}

/** True for an error that trying again may cure. */
export function isTransient(error: unknown): boolean {
  return error instanceof ProblemError && (error.status === UNREACHABLE || error.status === 429 || error.status >= 502)
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && typeof (body as Problem).code === 'string'
}
