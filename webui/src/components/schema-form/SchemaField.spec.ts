import { enableAutoUnmount, mount, type VueWrapper } from '@vue/test-utils'
import { afterEach, describe, expect, it } from 'vitest'
import { defineComponent, h, provide, ref } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { i18n, loadMessages } from '@/i18n'
import { fieldsOf, type JsonObject, type Schema } from '@/utils/schema'
import { payloadFaults } from './payloadFaults'
import SchemaFields from './SchemaFields.vue'

await loadMessages('taskForm', 'functions')
enableAutoUnmount(afterEach)
// The kit's buttons may be links, so they ask for the router.
const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: {} }] })

/** A form for `properties`, as a page would hold it: what is typed comes back to it as the value. */
function form(properties: JsonObject, options: { value?: JsonObject; required?: string[]; defs?: JsonObject; faults?: Record<string, string>; secrets?: 'kept' | 'asked' } = {}) {
  const root: Schema = { type: 'object', properties, required: options.required ?? [], $defs: options.defs ?? {} }
  const value = ref<JsonObject>(options.value ?? {})
  const unreadable = new Map<string, string>()
  const Holder = defineComponent({
    setup() {
      provide(payloadFaults, {
        byField: ref(new Map(Object.entries(options.faults ?? {}))),
        setUnreadable: (path, fault) => void (fault ? unreadable.set(path, fault) : unreadable.delete(path)),
        secrets: options.secrets ?? 'kept',
      })
      return () => h(SchemaFields, { modelValue: value.value, fields: fieldsOf(root, root), root, path: 'payload', 'onUpdate:modelValue': (next: JsonObject) => (value.value = next) })
    },
  })
  return { page: mount(Holder, { global: { plugins: [i18n, router] }, attachTo: document.body }), value, unreadable }
}

/** The control that a label names. */
function control(page: VueWrapper, label: string) {
  const found = page.findAll('label').find((each) => each.text().replace('*', '') === label)
  if (!found) throw new Error(`no label ${label} among ${page.findAll('label').map((each) => each.text()).join(', ')}`)
  return page.get<HTMLInputElement>(`[id="${found.attributes('for')}"]`)
}
const options = (page: VueWrapper, label: string) => control(page, label).findAll('option').map((each) => each.text())
const choose = (page: VueWrapper, label: string, text: string) => control(page, label).setValue(control(page, label).findAll('option').find((each) => each.text() === text)?.element.value)
const button = (page: VueWrapper, name: string) => page.findAll('button').find((each) => each.text() === name || each.attributes('aria-label') === name)!

const nullable = (schema: JsonObject) => ({ anyOf: [schema, { type: 'null' }], default: null })

describe('text', () => {
  it.each([
    ['email', 'email', 'someone@example.com'],
    ['uri', 'url', 'https://example.com/'],
    ['date', 'date', '2026-01-31'],
    ['time', 'time', '08:30'],
    ['date-time', 'text', '2026-01-31T08:00:00Z'],
    ['duration', 'text', 'PT5M'],
  ])('of the format %s has an input of the type %s', async (format, type, typed) => {
    const { page, value } = form({ at: { type: 'string', format } })
    expect(control(page, 'At').attributes('type')).toBe(type)
    await control(page, 'At').setValue(typed)
    expect(value.value).toEqual({ at: typed })
  })

  it('that is secret is hidden, and the browser is not to fill it in', () => {
    const { page } = form({ secret: { type: 'string', format: 'password', writeOnly: true } })
    expect(control(page, 'Secret').attributes()).toMatchObject({ type: 'password', autocomplete: 'new-password' })
  })

  it('that may be long is a block', () => {
    expect(control(form({ note: { type: 'string', maxLength: 4000 } }).page, 'Note').element.tagName).toBe('TEXTAREA')
  })

  it('emptied leaves its key out, so that the default holds', async () => {
    const { page, value } = form({ name: { type: 'string', default: 'Ada' } }, { value: { name: 'Bob' } })
    await control(page, 'Name').setValue('')
    expect(value.value).toEqual({})
    expect(control(page, 'Name').attributes('placeholder')).toBe('Ada (default)')
  })

  it('that must be there may be empty', async () => {
    const { page, value } = form({ name: { type: 'string' } }, { value: { name: 'Bob' }, required: ['name'] })
    await control(page, 'Name').setValue('')
    expect(value.value).toEqual({ name: '' })
  })

  it('that must be there or be null is null when emptied', async () => {
    const { page, value } = form({ name: nullable({ type: 'string' }) }, { value: { name: 'Bob' }, required: ['name'] })
    await control(page, 'Name').setValue('')
    expect(value.value).toEqual({ name: null })
  })

  it('of a date tells its default beneath', () => {
    expect(form({ day: { type: 'string', format: 'date', default: '2026-01-01' } }).page.text()).toContain('2026-01-01 (default)')
  })
})

describe('a number', () => {
  it('has the bounds of its schema', async () => {
    const { page, value } = form({ days: { type: 'integer', exclusiveMinimum: 0, maximum: 90 } })
    expect(control(page, 'Days').attributes()).toMatchObject({ type: 'number', min: '1', max: '90', step: '1' })
    await control(page, 'Days').setValue('7')
    expect(value.value).toEqual({ days: 7 })
  })

  it('that is optional shows its type, not null', async () => {
    const { page, value } = form({ share: nullable({ type: 'number' }) })
    expect(control(page, 'Share').attributes()).toMatchObject({ type: 'number', step: 'any' })
    await control(page, 'Share').setValue('0.5')
    expect(value.value).toEqual({ share: 0.5 })
  })
})

describe('a choice', () => {
  it('keeps 1 and "1" apart', async () => {
    const { page, value } = form({ level: { enum: ['1', 1] } })
    await control(page, 'Level').setValue('1')
    expect(value.value).toEqual({ level: 1 })
  })

  it('between yes and no can be left to the default', async () => {
    const { page, value } = form({ flag: { type: 'boolean', default: true } })
    expect(options(page, 'Flag')).toEqual(['On (default)', 'On', 'Off'])
    await choose(page, 'Flag', 'Off')
    expect(value.value).toEqual({ flag: false })
    await choose(page, 'Flag', 'On (default)')
    expect(value.value).toEqual({})
  })

  it('behind a reference goes by the name of its field', () => {
    const { page } = form({ back: { $ref: '#/$defs/Colour' } }, { defs: { Colour: { enum: ['red'], title: 'Colour' } } })
    expect(options(page, 'Back')).toEqual(['not set', 'red'])
  })
})

describe('an object', () => {
  const inner = { Inner: { type: 'object', title: 'Inner', required: ['host'], properties: { host: { type: 'string' }, port: { type: 'integer', default: 25 } } } }

  it('holds its fields, and keeps what it does not know', async () => {
    const { page, value } = form({ mail: { $ref: '#/$defs/Inner' } }, { defs: inner, value: { mail: { extra: 1 } }, required: ['mail'] })
    expect(page.get('legend').text()).toBe('Mail*')
    await control(page, 'Port').setValue('26')
    expect(value.value).toEqual({ mail: { extra: 1, port: 26 } })
    expect(page.text()).toContain('Also kept: extra')
  })

  it('that may be missing is left out when nothing is left in it', async () => {
    const { page, value } = form({ mail: nullable({ $ref: '#/$defs/Inner' }) }, { defs: inner })
    await control(page, 'Port').setValue('26')
    expect(value.value).toEqual({ mail: { port: 26 } })
    await control(page, 'Port').setValue('')
    expect(value.value).toEqual({})
  })
})

describe('a list', () => {
  it('grows and shrinks, and tells its default while it is not given', async () => {
    const { page, value } = form({ words: { type: 'array', items: { type: 'string', title: 'Word' }, default: ['one'] } })
    expect(page.text()).toContain('one (default)')
    await button(page, 'Add Words').trigger('click')
    await control(page, 'Word 1').setValue('a')
    await button(page, 'Add Words').trigger('click')
    expect(value.value).toEqual({ words: ['a', ''] })
    await button(page, 'Remove Word 1').trigger('click')
    await button(page, 'Remove Word 1').trigger('click')
    expect(value.value).toEqual({})
  })
})

describe('variants', () => {
  it('of plain types are named by them', async () => {
    const { page, value } = form({ either: { anyOf: [{ type: 'integer' }, { type: 'string' }, { type: 'null' }] } })
    expect(options(page, 'Either')).toEqual(['not set', 'whole number', 'text'])
    await choose(page, 'Either', 'text')
    await control(page, 'text').setValue('x')
    expect(value.value).toEqual({ either: 'x' })
  })

  it('of models start with what marks them', async () => {
    const kind = (name: string) => ({ type: 'object', title: name, properties: { kind: { const: name }, path: { type: 'string' } } })
    const { page, value } = form({ target: { oneOf: [kind('File'), kind('Bucket')], discriminator: { propertyName: 'kind' } } })
    await choose(page, 'Target', 'Bucket')
    await control(page, 'Path').setValue('x')
    expect(value.value).toEqual({ target: { kind: 'Bucket', path: 'x' } })
  })
})

describe('what no field fits', () => {
  it('is JSON', async () => {
    const { page, value, unreadable } = form({ counts: { type: 'object', additionalProperties: { type: 'integer' } } })
    await control(page, 'Counts as JSON').setValue('{"a": 1')
    expect(value.value).toEqual({})
    expect([...unreadable.keys()]).toEqual(['payload.counts'])
    await control(page, 'Counts as JSON').setValue('{"a": 1}')
    expect(value.value).toEqual({ counts: { a: 1 } })
    expect(unreadable.size).toBe(0)
  })
})

describe('a value of another kind than the schema asks for', () => {
  it.each<[string, JsonObject, unknown]>([
    ['text', { type: 'string' }, { a: 1 }],
    ['a number', { type: 'integer' }, true],
    ['a switch', { type: 'boolean' }, 'yes'],
    ['a list', { type: 'array', items: { type: 'string' } }, 'a'],
    ['an object', { type: 'object', properties: { a: { type: 'string' } } }, [1]],
  ])('where %s should be is shown as JSON', (_, schema, stored) => {
    const { page, value } = form({ it: schema }, { value: { it: stored } })
    expect(JSON.parse(control(page, 'It as JSON').element.value)).toEqual(stored)
    expect(value.value).toEqual({ it: stored })
  })

  it('that is none of the choices is named', () => {
    expect(options(form({ level: { enum: ['low', 'high'] } }, { value: { level: 'mid' } }).page, 'Level')).toEqual(['mid (not a choice)', 'low', 'high'])
  })
})

describe('a secret', () => {
  const token = { token: { type: 'string', format: 'password', writeOnly: true } }
  const MASK = '********'

  it('that is stored is said to be kept, and stays as it is', () => {
    const { page, value } = form(token, { value: { token: MASK } })
    expect(page.text()).toContain('Stored, not shown')
    expect(page.find('input').exists()).toBe(false)
    expect(value.value).toEqual({ token: MASK })
  })

  it('can be replaced, and the replacing given up', async () => {
    const { page, value } = form(token, { value: { token: MASK } })
    await button(page, 'Replace Token').trigger('click')
    expect(value.value).toEqual({})
    await control(page, 'Token').setValue('new')
    expect(value.value).toEqual({ token: 'new' })
    await button(page, 'Keep the stored Token').trigger('click')
    expect(value.value).toEqual({ token: MASK })
    expect(page.text()).toContain('Stored, not shown')
  })

  it('with nothing stored is asked for again', async () => {
    const { page, value } = form(token, { value: { token: MASK }, secrets: 'asked' })
    expect(control(page, 'Token').element.value).toBe('')
    expect(page.text()).toContain('Give it again')
    expect(value.value).toEqual({ token: MASK })
    await control(page, 'Token').setValue('again')
    expect(value.value).toEqual({ token: 'again' })
  })

  it('inside of an object and a list is kept too', () => {
    const properties = { mail: { type: 'object', properties: token }, keys: { type: 'array', items: token.token } }
    const { page, value } = form(properties, { value: { mail: { token: MASK }, keys: [MASK, 'x'] } })
    expect(page.text().match(/Stored, not shown/g)).toHaveLength(2)
    expect(value.value).toEqual({ mail: { token: MASK }, keys: [MASK, 'x'] })
  })
})

describe('a value that is shown and left alone', () => {
  const place = { Place: { type: 'object', required: ['kind'], properties: { kind: { const: 'place' }, at: { type: 'string' } } }, Line: { type: 'object', required: ['kind'], properties: { kind: { const: 'line' }, to: { type: 'array', items: { type: 'number' } } } } }
  it.each<[string, JsonObject, unknown]>([
    ['an address', { type: 'string', format: 'uri' }, 'https://example.com/?a=1'],
    ['lines', { type: 'string' }, 'one\ntwo'],
    ['an instant', { type: 'string', format: 'date-time' }, '2026-01-31T08:00:00+02:00'],
    ['a number beyond its bounds', { type: 'integer', minimum: 1, maximum: 9 }, 12],
    ['a fraction', { type: 'number', multipleOf: 0.25 }, 0.75],
    ['false', { type: 'boolean', default: true }, false],
    ['a number among choices', { enum: ['1', 1] }, 1],
    ['a constant', { const: 'v1' }, 'v1'],
    ['null', nullable({ type: 'string' }), null],
    ['words', { type: 'array', items: { type: 'string' } }, ['a', 'b']],
    ['an empty list', { type: 'array', items: { type: 'string' }, default: ['x'] }, []],
    ['objects in a list', { type: 'array', items: { $ref: '#/$defs/Place' } }, [{ kind: 'place', at: 'x', more: 1 }]],
    ['a variant', { oneOf: [{ $ref: '#/$defs/Place' }, { $ref: '#/$defs/Line' }], discriminator: { propertyName: 'kind' } }, { kind: 'line', to: [1, 2.5] }],
    ['an object of any keys', { type: 'object', additionalProperties: { type: 'integer' } }, { a: 1 }],
    ['anything', {}, [null, { a: [] }]],
  ])('stays: %s', (_, schema, stored) => {
    const { page, value } = form({ it: schema }, { value: { it: stored }, defs: place })
    expect(page.text()).not.toBe('')
    expect(value.value).toEqual({ it: stored })
  })

  it('and keeps what the fields do not show when a part beside it is changed', async () => {
    const properties = { list: { type: 'array', items: { $ref: '#/$defs/Place' } } }
    const { page, value } = form(properties, { value: { list: [{ kind: 'place', at: 'x', more: { deep: 1 } }] }, defs: place })
    await control(page, 'At').setValue('y')
    expect(value.value).toEqual({ list: [{ kind: 'place', at: 'y', more: { deep: 1 } }] })
  })
})

describe('a fault of the server', () => {
  it('stands with its field', () => {
    const { page } = form({ days: { type: 'integer' } }, { faults: { 'payload.days': 'Too many' } })
    expect(control(page, 'Days').attributes('aria-invalid')).toBe('true')
    expect(page.get(`#${CSS.escape(control(page, 'Days').attributes('aria-describedby')!)}`).text()).toBe('Too many')
  })

  it('inside a JSON part stands with the part', () => {
    expect(form({ counts: { type: 'object' } }, { faults: { 'payload.counts.a': 'Must be a number' } }).page.text()).toContain('a: Must be a number')
  })

  it('of a part that must be there stands with the part', () => {
    const { page } = form({ mail: { type: 'object', properties: { host: { type: 'string' } } } }, { faults: { 'payload.mail': 'Required' } })
    expect(page.get('fieldset[data-field="payload.mail"]').text()).toContain('Required')
  })

  it('with a key that has no field stands beneath', () => {
    expect(form({}, { value: { nme: 1 }, faults: { 'payload.nme': 'Not a field' } }).page.text()).toContain('nme: Not a field')
  })
})
