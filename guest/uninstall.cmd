@echo off
rem Removes the Guestwire receiver: double-click this file. It asks for administrator rights.
setlocal
set "GW_SELF=%~f0"
set "GW_HERE=%~dp0"
set "GW_SHELL=%SystemRoot%\System32\WindowsPowerShell\v1.0\powershell.exe"
rem Not in the folder that is about to be removed.
cd /d "%SystemRoot%"
"%SystemRoot%\System32\fltmc.exe" >nul 2>&1
if not errorlevel 1 goto elevated
if "%~1"=="elevated" goto refused
"%GW_SHELL%" -NoProfile -Command "try { Start-Process -FilePath $env:GW_SELF -ArgumentList elevated -Verb RunAs } catch { exit 1 }"
if errorlevel 1 goto refused
exit /b 0

:elevated
rem One line, read as a whole: this file may be gone when PowerShell is done.
"%GW_SHELL%" -NoProfile -ExecutionPolicy Bypass -File "%GW_HERE%install.ps1" -Uninstall & pause & exit /b

:refused
echo Administrator rights are needed. Nothing was changed.
pause
exit /b 1
