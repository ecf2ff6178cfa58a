// Runs before the first paint, so the page never flashes in the wrong theme. An own file: the policy allows no inline script.
;(function () {
  var choice = null
  try {
    choice = localStorage.getItem('cronplug.theme')
  } catch (error) {
    // Storage is switched off in this browser: the system's theme it is.
  }
  var dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.add(dark ? 'dark' : 'light')
  document.querySelector('meta[name="theme-color"]').setAttribute('content', dark ? '#101012' : '#ffffff')
})()
