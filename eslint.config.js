import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    files: ["pages/**/*.js"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "max-lines-per-function": ["error", { max: 80 }],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  // Still to be split: nothing is added to this list.
  {
    files: [
      "pages/live/frontend/panels/{aif_uncertainty,fine_tuning,sensitivity,snapshots,tornado}.js",
    ],
    rules: { "max-lines-per-function": "off" },
  },
  { files: ["pages/**/test/*.js"], languageOptions: { globals: globals.node } },
];
