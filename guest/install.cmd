@echo off
rem Installs the Guestwire receiver: double-click this file. It asks for administrator rights.
setlocal
set "GW_SELF=%~f0"
set "GW_HERE=%~dp0"
set "GW_SHELL=%SystemRoot%\System32\WindowsPowerShell\v1.0\powershell.exe"
if not exist "%GW_SHELL%" (
  echo This needs Windows PowerShell, which Windows 7 and later have.
  pause
  exit /b 1
)
rem Only an administrator may list the file system filters.
"%SystemRoot%\System32\fltmc.exe" >nul 2>&1
if not errorlevel 1 goto elevated
if "%~1"=="elevated" goto refused
"%GW_SHELL%" -NoProfile -Command "try { Start-Process -FilePath $env:GW_SELF -ArgumentList elevated -Verb RunAs } catch { exit 1 }"
if errorlevel 1 goto refused
exit /b 0

:elevated
"%GW_SHELL%" -NoProfile -ExecutionPolicy Bypass -File "%GW_HERE%install.ps1"
set "GW_RESULT=%errorlevel%"
pause
exit /b %GW_RESULT%

:refused
echo Administrator rights are needed. Nothing was changed.
pause
exit /b 1
