import { defineConfigWithVueTs, vueTsConfigs } from '@vue/eslint-config-typescript'
import vue from 'eslint-plugin-vue'
import accessibility from 'eslint-plugin-vuejs-accessibility'

export default defineConfigWithVueTs(
  { ignores: ['node_modules/**', 'dist/**', 'src/api/schema.d.ts', 'public/**', 'eslint.config.js'] },
  vue.configs['flat/recommended'],
  accessibility.configs['flat/recommended'],
  vueTsConfigs.recommendedTypeChecked,
  {
    files: ['**/*.{ts,vue}'],
    rules: {
      'no-console': 'error',
      eqeqeq: 'error',
      // Layout of tags is a matter of taste; nothing is gained by a fixed line per attribute.
      'vue/max-attributes-per-line': 'off',
      // TypeScript says what may be left out.
      'vue/require-default-prop': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': ['error', { html: { void: 'always' } }],
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/no-bare-strings-in-template': 'error',
      'vue/no-static-inline-styles': ['error', { allowBinding: false }],
      // A label that wraps or points to its control by id is enough (WCAG 1.3.1); the rule's default asks for both.
      'vuejs-accessibility/label-has-for': ['error', { required: { some: ['nesting', 'id'] } }],
      // A leading underscore names what is taken out in order to leave it out.
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    // The label belongs to the place a field is used in (FieldFrame, or aria-label there).
    files: ['src/components/fields/*.vue'],
    rules: { 'vuejs-accessibility/form-control-has-label': 'off' },
  },
)
