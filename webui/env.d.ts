/// <reference types="vite/client" />

/** The icons that the code names, made by the kit's part of the build. */
declare module 'virtual:nuxt-ui-icons' {
  export function init(add: (name: string, icon: { body: string }) => void): void
}
