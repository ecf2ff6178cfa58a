/** One thing that a list is narrowed by. */
export interface FilterChip {
  key: string
  text: string
  /** What a press takes off, in words. */
  label: string
}
