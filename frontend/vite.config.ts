import { defineConfig } from "vite";

export default defineConfig({
  base: "/static/app/",
  build: {
    manifest: true,
    outDir: "../src/tierwise/web/static/app",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 1000,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { app: "src/app.ts" } },
  },
});
