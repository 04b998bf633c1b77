// .NET's own analyzers over the parts of receiver.ps1. What the compiler of C# 3 makes of them the windows suite tests.
import { emptyResult, type SuiteResult } from './suiteResult.ts';
import { capture, runTools } from './toolSuite.ts';

const build = ['dotnet', 'build', 'guest/windows/Receiver.csproj', '--nologo', '-v:quiet'];
/** Else two servers of the SDK would outlive the tests. */
const alone = ['-nodeReuse:false', '-p:UseSharedCompilation=false'];

export async function runCsharpAnalyzers(signal: AbortSignal): Promise<SuiteResult> {
  const { status } = await capture(['dotnet', '--version'], signal);
  if (status === 0) return runTools([[...build, ...alone]], signal);
  return {
    ...emptyResult(),
    skipped: [{ name: build.join(' '), reason: 'needs the .NET SDK to analyze C#' }],
  };
}
