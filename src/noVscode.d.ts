// What `vscode` resolves to below src/ui (tsconfig.base.json): nothing. Whoever needs it belongs into src/ui.
export {};
