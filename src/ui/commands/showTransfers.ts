import * as vscode from 'vscode';
import type { Command } from './command.ts';

export const showTransfers: Command = () => vscode.commands.executeCommand('guestwire.transfers.focus');
