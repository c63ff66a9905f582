// Starts `opensips-py lsp` and lets the editor talk to it.
const {workspace} = require("vscode");
const {LanguageClient} = require("vscode-languageclient/node");

let client;

function activate() {
  const command = workspace.getConfiguration("opensips").get("command");
  client = new LanguageClient("opensips-py", "OpenSIPS", {command, args: ["lsp"]},
                              {documentSelector: [{scheme: "file", language: "opensips"}],
                               synchronize: {fileEvents: workspace.createFileSystemWatcher("**/*.{cfg,py}")}});
  return client.start();
}

function deactivate() {
  return client ? client.stop() : undefined;
}

module.exports = {activate, deactivate};
