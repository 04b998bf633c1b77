// What @vscode/test-cli runs. test/support/vscodeSuite.ts (`npm test -- vscode`) bundles the tests, says which VS Code,
// and reads the results.
import { defineConfig } from '@vscode/test-cli';

const { GUESTWIRE_TEST_VSCODE, GUESTWIRE_TEST_WORKSPACE, GUESTWIRE_TEST_USER } = process.env;

export default defineConfig({
  files: '.cache/vscode-tests/**/*.test.cjs',
  ...(GUESTWIRE_TEST_VSCODE ? { useInstallation: { fromPath: GUESTWIRE_TEST_VSCODE } } : {}),
  ...(GUESTWIRE_TEST_WORKSPACE ? { workspaceFolder: GUESTWIRE_TEST_WORKSPACE } : {}),
  launchArgs: GUESTWIRE_TEST_USER
    ? [`--user-data-dir=${GUESTWIRE_TEST_USER}`, `--extensions-dir=${GUESTWIRE_TEST_USER}/extensions`]
    : [],
  mocha: {
    ui: 'bdd',
    timeout: 360_000,
    reporter: `${import.meta.dirname}/.cache/vscode-tests/vscodeReporter.cjs`,
  },
});
