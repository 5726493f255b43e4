// matrix-appservice-bridge as its package has it, but for the native part of its bot SDK's cryptography: no package holds that (it is downloaded by an
// install script), and bridges without encryption never call it.
import { createRequire, registerHooks } from "node:module";

const NATIVE = "@matrix-org/matrix-sdk-crypto-nodejs";

registerHooks({
    resolve: (specifier, context, next) =>
        specifier === NATIVE ? { url: `absent:${NATIVE}`, format: "commonjs", shortCircuit: true } : next(specifier, context),
    load: (url, context, next) =>
        url === `absent:${NATIVE}` ? { format: "commonjs", source: "module.exports = {};", shortCircuit: true } : next(url, context),
});

export const { AppServiceRegistration, Bridge, Logger } = createRequire(import.meta.url)("matrix-appservice-bridge");
