import { useState } from 'react'

type Theme = 'system' | 'light' | 'dark'
const order: Theme[] = ['system', 'light', 'dark']
const words = { system: 'as the system', light: 'light', dark: 'dark' }

function chosenTheme(): Theme {
  const chosen = document.documentElement.dataset.theme
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system'
}

/** Goes round: as the system, light, dark. public/theme.js applies the choice before the first paint. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(chosenTheme)
  const next = order[(order.indexOf(theme) + 1) % order.length] as Theme
  const change = () => {
    if (next === 'system') {
      delete document.documentElement.dataset.theme
      localStorage.removeItem('theme')
    } else {
      document.documentElement.dataset.theme = next
      localStorage.setItem('theme', next)
    }
    setTheme(next)
  }
  return (
    <button
      type="button"
      className="icon-button"
      onClick={change}
      aria-label={`Theme: ${words[theme]}. Change to ${words[next]}`}
    >
      <svg viewBox="0 0 20 20" aria-hidden="true">
        {theme === 'system' && (
          <>
            <circle cx="10" cy="10" r="6.5" />
            <path d="M10 3.5a6.5 6.5 0 0 1 0 13z" className="filled" />
          </>
        )}
        {theme === 'light' && (
          <>
            <circle cx="10" cy="10" r="3.5" />
            <path d="M10 2.5v1.8M10 15.7v1.8M2.5 10h1.8M15.7 10h1.8M4.7 4.7L6 6M14 14l1.3 1.3M15.3 4.7L14 6M6 14l-1.3 1.3" />
          </>
        )}
        {theme === 'dark' && <path d="M16 11.8A6.6 6.6 0 0 1 8.2 4a6.6 6.6 0 1 0 7.8 7.8z" />}
      </svg>
    </button>
  )
}
