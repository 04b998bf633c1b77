// What turns the C# engine inside receiver.ps1 into a Windows program of its own, for Wine.
using System;
using System.IO;

namespace Guestwire
{

static class WineMain
{
    static int Main(string[] arguments)
    {
        if (arguments.Length == 3 && arguments[0] == "--hold") return Hold(arguments[1], arguments[2]);
        return Engine.Run(arguments);
    }

    /// <summary>Another program that has a file open, and what it lets others do meanwhile, until its input ends.</summary>
    static int Hold(string path, string share)
    {
        using (new FileStream(path, FileMode.Open, FileAccess.Read, (FileShare)Enum.Parse(typeof(FileShare), share)))
        {
            Console.Out.WriteLine("held");
            Console.Out.Flush();
            Console.In.ReadToEnd();
        }
        return 0;
    }
}

}
