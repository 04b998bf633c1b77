using System;
using System.Collections.Generic;
using System.Threading;

namespace Guestwire
{

public static class Engine
{
    const string Help =
        "receiver.ps1 [-Port NAME,...] [-Root DIR] [-ReadOnly] [-LogLevel LEVEL] [-Speed BAUD] [-Version]\n\n"
        + "Receives files from a Guestwire host over a serial port or a virtio channel.\n\n"
        + "  -Port NAME,...   ports to serve, such as COM2 or org.guestwire.0 (default: every one that is free)\n"
        + "  -Root DIR        write nothing outside this directory\n"
        + "  -ReadOnly        write nothing at all\n"
        + "  -LogLevel LEVEL  error, warning (default), info or debug\n"
        + "  -Speed BAUD      of real serial lines (default: 115200)\n"
        + "  -Version         version of receiver and protocol";

    static readonly object Stopped = new object();
    static readonly ManualResetEvent Ended = new ManualResetEvent(false);
    static bool _stop;

    /// <summary>Serves until Ctrl-C or the end of the console; the exit code.</summary>
    public static int Run(string[] arguments)
    {
        Options options;
        try { options = new Options(arguments); }
        catch (Usage error)
        {
            Log.Write("receiver: " + error.Message + " (-Help shows the options)");
            return 2;
        }
        if (options.Help || options.Version)
        {
            Console.Out.WriteLine(options.Help ? Help : "receiver.ps1 " + Wire.Version + ", protocol " + Wire.ProtocolHigh);
            return 0;
        }
        Log.Level = options.LogLevel;
        if (Platform.Current == null)
        {
            Log.Error("receiver.ps1 is for Windows; Linux has receiver.py");
            return 2;
        }
        try { return Serve(options); }
        finally { Ended.Set(); }
    }

    static int Serve(Options options)
    {
        Overwriting.Wait(false);
        lock (Stopped) _stop = false;       // the script may run again in the same PowerShell
        Config config = new Config();
        try { config.Root = new Root(options.Root); }
        catch (Exception error)
        {
            if (!(error is SystemError) && !(error is Refused)) throw;
            Log.Error("-Root " + (options.Root ?? ".") + ": " + error.Message);
            return 2;
        }
        config.ReadOnly = options.ReadOnly;
        int milliseconds;                   // tests can't wait 30 s
        if (int.TryParse(Environment.GetEnvironmentVariable("GUESTWIRE_TEST_SESSION_TIMEOUT_MS"), out milliseconds))
            config.SessionS = milliseconds / 1000.0;
        Platform.Current.OnStop(Stop);
        List<Port> ports = OpenPorts(options, config);
        if (ports.Count == 0) return 1;
        foreach (Port port in ports) Log.Write("serving " + port.Name + " (" + port.Kind + ")");
        foreach (Port port in ports) port.Start();
        lock (Stopped) while (!_stop) Monitor.Wait(Stopped);
        foreach (Port port in ports) port.Stop();
        double limit = Clock.Now + 5;
        foreach (Port port in ports) port.Wait(limit);
        Overwriting.Wait(true);
        Leftovers.RemoveAll();              // of a worker that hangs on its disk
        return 0;
    }

    /// <summary>Leaves out ports that can't be served: an error for one that the user named, a remark in the log for one
    /// that was only found.</summary>
    static List<Port> OpenPorts(Options options, Config config)
    {
        bool named = options.Ports.Count > 0;
        List<Port> ports = new List<Port>();
        foreach (string name in named ? options.Ports : Platform.Current.FindPorts())
        {
            try { ports.Add(new Port(name, config, options.Speed)); }
            catch (SystemError error)
            {
                string text = name + " cannot be served: " + error.Message;
                if (named) Log.Error(text);
                else Log.Info(text);
            }
        }
        if (ports.Count == 0 && !named)
            Log.Error("no port can be served; name one, such as -Port COM2 (-LogLevel info says why)");
        return ports;
    }

    /// <summary>Callable from any thread, also before Run waits.</summary>
    public static void Stop()
    {
        lock (Stopped)
        {
            _stop = true;
            Monitor.PulseAll(Stopped);
        }
    }

    public static void AwaitEnd(int milliseconds) { Ended.WaitOne(milliseconds, false); }
}

}
