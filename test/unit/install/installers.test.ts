// The installers as text: what Windows demands of its files, and what PowerShell 2.0 does not know yet. Running them
// takes a Windows; install.sh runs in test/guest and test/integration/ui.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { XMLValidator } from 'fast-xml-parser';

const read = (name: string) => fs.readFileSync(new URL(`../../../guest/${name}`, import.meta.url), 'latin1');
const forCmd = ['install.cmd', 'uninstall.cmd'];

describe('the installers for Windows', () => {
  for (const name of [...forCmd, 'disc.txt']) {
    it(`${name} has the line ends of Windows, and ASCII alone`, () => {
      const text = read(name);
      assert.doesNotMatch(text, /[^\r]\n/);
      assert.match(text, /\r\n$/);
      assert.match(text, /^[\r\n -~]*$/);
    });
  }

  for (const name of forCmd) {
    it(`${name} jumps only to labels it has, and asks for its rights once`, () => {
      const text = read(name);
      const labels = [...text.matchAll(/^:(\w+)\r$/gm)].map(([, label]) => label);
      for (const [, label] of text.matchAll(/\bgoto (\w+)/g)) assert.ok(labels.includes(label), label);
      assert.equal(text.match(/-Verb RunAs/g)?.length, 1);
      assert.match(text, /if "%~1"=="elevated" goto refused[\s\S]*-Verb RunAs/);
    });
  }

  it('install.ps1 uses nothing that PowerShell 2.0 does not have', () => {
    const code = read('install.ps1').replace(/^\s*#.*$/gm, '');
    assert.match(code, /^[\n -~]*$/);
    const later = [
      /\b(Get-CimInstance|Register-ScheduledTask|New-ScheduledTask\w*|Unblock-File|ConvertTo-Json|Invoke-WebRequest)\b/i,
      /\[pscustomobject\]|\[ordered\]/i,
      /-(not)?in\b|-shl\b|-shr\b/i,
      /\?\?|\?\.|&&|\|\|/,
      /\.(Where|ForEach)\(|::new\(/i,
      /\bclass\b|\benum\b|\busing (module|namespace)\b/,
      /\$PSScriptRoot|\$PSCommandPath|\$PSItem/i,
      /-(Raw|NoNewline|PipelineVariable)\b/i,
    ];
    for (const pattern of later) assert.doesNotMatch(code, pattern);
    // Where-Object and ForEach-Object take a block there.
    for (const [, next] of code.matchAll(/\b(?:Where|ForEach)-Object (\S)/g)) assert.equal(next, '{');
    for (const [open, close] of ['{}', '()', '[]']) {
      const count = (one: string | undefined) => code.split(one ?? '').length;
      assert.equal(count(open), count(close), `${open} and ${close}`);
    }
  });

  it('install.ps1 registers a task that is sound XML, runs as SYSTEM from the start on, and without an end', () => {
    const [, xml = ''] = /@"\n([\s\S]*?)\n"@/.exec(read('install.ps1')) ?? [];
    assert.equal(XMLValidator.validate(xml), true);
    for (const part of [
      '<BootTrigger>',
      '<UserId>S-1-5-18</UserId>',
      '<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>',
      '<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>',
      '<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>',
      '<Command>$command</Command>',
    ]) {
      assert.ok(xml.includes(part), part);
    }
  });

  it('remove every file that they install', () => {
    const [, list = ''] = /\$files = (.*)/.exec(read('install.ps1')) ?? [];
    assert.deepEqual(list.replaceAll("'", '').split(', ').sort(), [
      'install.ps1',
      'receiver.ps1',
      'uninstall.cmd',
    ]);
  });
});
