import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { readConfig } from './config.ts'

const { HOST, UI_PORT, GATEWAY_URL } = readConfig()

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    target: 'es2023',
    // The Content-Security-Policy allows no data: URLs, so nothing is inlined.
    assetsInlineLimit: 0,
    manifest: true,
  },
  server: {
    host: HOST,
    port: UI_PORT,
    strictPort: true,
    proxy: { '/api': { target: GATEWAY_URL, rewrite: path => path.replace(/^\/api/, '') } },
  },
})
