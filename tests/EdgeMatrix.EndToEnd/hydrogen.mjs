// Hydrogen, the web client, whole: put together from its SDK package as its own start page does, and served on a free loopback port.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { build } from "esbuild";

const PAGE = `<!DOCTYPE html>
<html>
    <head>
        <meta charset="utf-8">
        <title>Hydrogen</title>
        <link rel="stylesheet" href="assets/theme-element-light.css">
    </head>
    <body class="hydrogen"><script type="module" src="main.js"></script></body>
</html>`;

const MAIN = `
import { FeatureSet, Platform, RootView, RootViewModel, createNavigation, createRouter } from "hydrogen-view-sdk";

const platform = new Platform({
    container: document.body,
    assetPaths: {
        downloadSandbox: "assets/download-sandbox.html",
        worker: "assets/main.js",
        serviceWorker: "sw.js",
        olm: { wasm: "olm/olm.wasm", wasmBundle: "olm/olm.js", legacyBundle: "olm/olm_legacy.js" },
    },
    config: {},
});
await platform.init();
const navigation = createNavigation();
platform.setNavigation(navigation);
const urlRouter = createRouter({ navigation, history: platform.history });
urlRouter.attach();
const features = await FeatureSet.load(platform.settingsStorage);
const viewModel = new RootViewModel({ platform, urlRouter, navigation, features });
await viewModel.load();
document.body.appendChild(new RootView(viewModel).mount());
`;

const CONTENT_TYPES = {
    ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".woff2": "font/woff2",
};

/** Serves the client; returns its address and how to stop. */
export async function serveHydrogen() {
    const require = createRequire(import.meta.url);
    const sdk = join(dirname(require.resolve("hydrogen-view-sdk")), "..");
    const folders = { assets: join(sdk, "asset-build/assets"), olm: dirname(require.resolve("@matrix-org/olm")) };
    const { outputFiles: [main] } = await build({
        stdin: { contents: MAIN, resolveDir: import.meta.dirname },
        bundle: true, format: "esm", write: false, logLevel: "error", external: ["fs", "path", "crypto"],
    });
    const made = { "/": [PAGE, ".html"], "/index.html": [PAGE, ".html"], "/main.js": [main.contents, ".js"] };

    const server = createServer(async (request, response) => {
        const { pathname } = new URL(request.url, "http://localhost");
        const [, folder, name] = /^\/(?:(\w+)\/)?([\w.-]+)$/.exec(pathname) ?? [];
        const file = pathname === "/sw.js" ? join(sdk, "lib-build/sw.js") : Object.hasOwn(folders, folder) && join(folders[folder], name);
        if (Object.hasOwn(made, pathname)) {
            const [content, extension] = made[pathname];
            response.writeHead(200, { "Content-Type": CONTENT_TYPES[extension] }).end(content);
        } else if (file && (await stat(file).catch(() => null))) {
            response.writeHead(200, { "Content-Type": CONTENT_TYPES[extname(file)] ?? "application/octet-stream" });
            createReadStream(file).pipe(response);
        } else {
            response.writeHead(404).end();
        }
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}
