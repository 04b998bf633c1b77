using System;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Guestwire
{

/// <summary>SHA-256 by what the platform has: Windows' own code, through .NET
/// 3.5 and later, is several times faster than the managed one of .NET 2.0.</summary>
class Sha256
{
    static readonly Type Fastest = FindFastest();
    readonly HashAlgorithm _hash;

    static Type FindFastest()
    {
        if (Environment.OSVersion.Platform != PlatformID.Win32NT) return null;
        string core = ", System.Core, Version={0}, Culture=neutral, PublicKeyToken=b77a5c561934e089";
        foreach (string name in new string[] { "SHA256Cng", "SHA256CryptoServiceProvider" })
            foreach (string version in new string[] { "4.0.0.0", "3.5.0.0" })
            {
                try
                {
                    Type found = Type.GetType("System.Security.Cryptography." + name + string.Format(CultureInfo.InvariantCulture, core, version));
                    if (found == null) continue;
                    ((HashAlgorithm)Activator.CreateInstance(found)).Clear();
                    return found;
                }
                catch (Exception error) { Log.Debug(name + ": " + error.Message); }
            }
        return null;
    }

    public Sha256()
    {
        if (Fastest != null) _hash = (HashAlgorithm)Activator.CreateInstance(Fastest);
        else
        {
            // .NET 5 and later hand out the platform's
            _hash = SHA256.Create();
            if (_hash.GetType().Name == "SHA256Managed") _hash = new PlainSha256();     // obsolete to name since .NET 6
        }
    }

    public void Add(byte[] data, int offset, int count)
    {
        if (count > 0) _hash.TransformBlock(data, offset, count, data, offset);
    }

    /// <summary>Ends it: nothing can be added any more.</summary>
    public byte[] Finish()
    {
        _hash.TransformFinalBlock(new byte[0], 0, 0);
        return _hash.Hash;
    }

    public string FinishHex() { return Hex(Finish()); }

    public static string Hex(byte[] bytes)
    {
        StringBuilder made = new StringBuilder(2 * bytes.Length);
        foreach (byte b in bytes) made.Append(b.ToString("x2", CultureInfo.InvariantCulture));
        return made.ToString();
    }
}

}
