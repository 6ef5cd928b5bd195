import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const coordinator = 'http://localhost:8000'
const proxy = { '/upload/': coordinator, '/uploads': coordinator }

export default defineConfig({
  plugins: [react()],
  // `file:../..` is a link, and what is linked would find a React of its own.
  resolve: { dedupe: ['react', 'react-dom'] },
  server: { proxy },
  preview: { proxy },
})
