# Installs the Guestwire receiver, or removes it with -Uninstall. install.cmd and uninstall.cmd start it, after they
# got administrator rights. For Windows PowerShell 2.0 (Windows 7) and later.
param([switch]$Uninstall)

$ErrorActionPreference = 'Stop'
$taskName = 'Guestwire Receiver'
$files = 'receiver.ps1', 'install.ps1', 'uninstall.cmd'
$here = Split-Path -Parent $MyInvocation.MyCommand.Path
$programs = $env:ProgramFiles
if ($env:ProgramW6432) { $programs = $env:ProgramW6432 } # the 64-bit one, also from a 32-bit PowerShell
$folder = Join-Path $programs 'Guestwire'
$receiver = Join-Path $folder 'receiver.ps1'
$powershell = Join-Path $env:SystemRoot 'System32\WindowsPowerShell\v1.0\powershell.exe'
$schtasks = Join-Path $env:SystemRoot 'System32\schtasks.exe'

# Runs as SYSTEM from each start of Windows on, without a time limit, on batteries too, and at normal priority (a task's
# default makes its input and output slow). If it ends, the repetition starts it again.
function Get-TaskXml {
    $command = [Security.SecurityElement]::Escape($powershell)
    $arguments = '-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "' + $receiver + '"'
    $arguments = [Security.SecurityElement]::Escape($arguments)
    return @"
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Receives files that a host sends over a serial port or virtio channel.</Description>
  </RegistrationInfo>
  <Triggers>
    <BootTrigger>
      <Repetition><Interval>PT5M</Interval></Repetition>
      <Enabled>true</Enabled>
    </BootTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>S-1-5-18</UserId>
      <RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>4</Priority>
    <Enabled>true</Enabled>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>$command</Command>
      <Arguments>$arguments</Arguments>
    </Exec>
  </Actions>
</Task>
"@
}

function Test-Task {
    & $env:ComSpec /c "`"$schtasks`" /Query /TN `"$taskName`" >nul 2>&1"
    return $LASTEXITCODE -eq 0
}

function Invoke-Schtasks {
    & $schtasks $args | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "schtasks.exe $($args[0]) failed ($LASTEXITCODE)" }
}

function Stop-Receiver {
    if (Test-Task) { & $env:ComSpec /c "`"$schtasks`" /End /TN `"$taskName`" >nul 2>&1" }
}

function Test-Receiver {
    $found = @(Get-WmiObject Win32_Process | Where-Object { $_.CommandLine -like '*\Guestwire\receiver.ps1*' })
    return $found.Count -gt 0
}

function Install-Receiver {
    if (-not (Test-Path (Join-Path $here 'receiver.ps1'))) { throw 'there is no receiver.ps1 beside this script' }
    Stop-Receiver
    if (-not (Test-Path $folder)) { [void](New-Item -ItemType Directory -Path $folder) }
    foreach ($name in $files) {
        $source = Join-Path $here $name
        $target = Join-Path $folder $name
        if ($source -eq $target) { continue } # run from where it is installed
        Copy-Item -Path $source -Destination $target -Force
        Set-ItemProperty -Path $target -Name IsReadOnly -Value $false # files on a CD are
    }
    $file = [IO.Path]::GetTempFileName()
    try {
        [IO.File]::WriteAllText($file, (Get-TaskXml), [Text.Encoding]::Unicode)
        Invoke-Schtasks /Create /F /TN $taskName /XML $file
    } finally {
        Remove-Item -Path $file -Force
    }
    Invoke-Schtasks /Run /TN $taskName
    Start-Sleep -Seconds 5
    if (Test-Receiver) {
        Write-Host 'The Guestwire receiver is running, and starts with Windows from now on. You can take the CD out.'
    } else {
        Write-Host 'The Guestwire receiver is installed, but found no port. Give this machine a second serial port,'
        Write-Host 'or the channel org.guestwire.0 and the virtio-serial driver (virtio-win).'
        Write-Host 'From the next start of Windows on, it tries again every 5 minutes.'
    }
}

function Uninstall-Receiver {
    if (Test-Task) {
        Stop-Receiver
        Invoke-Schtasks /Delete /F /TN $taskName
    }
    foreach ($name in $files) {
        $target = Join-Path $folder $name
        if (Test-Path $target) { Remove-Item -Path $target -Force }
    }
    if ((Test-Path $folder) -and @(Get-ChildItem -Path $folder -Force).Count -eq 0) { Remove-Item -Path $folder -Force }
    Write-Host 'The Guestwire receiver is no longer installed.'
}

try {
    if ($Uninstall) { Uninstall-Receiver } else { Install-Receiver }
} catch {
    Write-Host "That didn't work: $($_.Exception.Message)"
    exit 1
}
