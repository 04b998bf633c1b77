using System;
using System.Collections.Generic;
using System.Globalization;

namespace Guestwire
{

partial class WindowsPlatform
{
    const string ChannelPrefix = "\\\\.\\Global\\";
    readonly List<Win32.ControlHandler> _handlers = new List<Win32.ControlHandler>();     // kept from the collector

    public override string PortName(string name)
    {
        if (name.StartsWith("\\\\", StringComparison.Ordinal)) return name;
        return IsCom(name) ? "\\\\.\\" + name.ToUpperInvariant() : ChannelPrefix + name;
    }

    static bool IsCom(string name)
    {
        int number;
        return name.StartsWith("COM", StringComparison.OrdinalIgnoreCase) && int.TryParse(name.Substring(3), out number);
    }

    public override string DeviceKind(string port)
    {
        if (port.StartsWith("\\\\.\\", StringComparison.Ordinal) && IsCom(port.Substring(4))) return "uart";
        return port.StartsWith(ChannelPrefix, StringComparison.OrdinalIgnoreCase) ? "channel" : "other";
    }

    public override Device OpenPort(string port, int speed) { return new WindowsDevice(port, DeviceKind(port), speed); }

    /// <summary>The channel, then COM2 and further ones, then COM1.</summary>
    public override List<string> FindPorts()
    {
        List<int> numbers = new List<int>();
        char[] made = new char[1 << 18];
        uint length = Win32.QueryDosDeviceW(null, made, (uint)made.Length);
        foreach (string name in new string(made, 0, (int)length).Split('\0'))
            if (IsCom(name)) numbers.Add(int.Parse(name.Substring(3), CultureInfo.InvariantCulture));
        numbers.Sort();
        if (numbers.Remove(1)) numbers.Add(1);
        List<string> found = new List<string>();
        found.Add("org.guestwire.0");
        foreach (int number in numbers) found.Add("COM" + number);
        return found;
    }

    public override void OnStop(Job stop)
    {
        Win32.ControlHandler handler = delegate(int what)
        {
            stop();
            // the window closes, the user logs off, the system shuts down: the
            // process ends when this returns
            if (what >= Win32.CloseEvent) Engine.AwaitEnd(4000);
            return true;
        };
        _handlers.Add(handler);
        Win32.SetConsoleCtrlHandler(handler, true);
    }
}

}
