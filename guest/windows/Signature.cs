using System;
using System.IO;

namespace Guestwire
{

// Signatures (section 6).

partial class Requests
{
    void BeginSignature(int stream, Fields fields, byte[] path)
    {
        long block = Arguments.Number(fields, "block", true);
        if (block < Wire.BlockMin || block > Wire.BlockMax) throw new Refused("bad-request", "block is out of range");
        using (Location place = _root.Locate(path, false))
        {
            Facts found = place.Look();
            if (found == null) throw new Refused("not-found", "there is no such file", place.Path, "ENOENT", null);
            if (found.Kind != "file")
            {
                string kind = found.Kind == "device" ? "special" : found.Kind;
                throw new Refused("is-" + kind, "no regular file", place.Path);
            }
            OpenFile file = OpenRegular(place.Path);
            found = file.Look();
            if ((found.Size + block - 1) / block > Wire.BlocksMax)
            {
                file.Close();
                throw new Refused("bad-request", "more than " + Wire.BlocksMax + " blocks", place.Path);
            }
            string name = place.Path;
            Request request = new Request();
            Open(stream, request);
            _reply(stream, "accept", new Fields().Add("path", name).Add("size", found.Size).Add("block", block));
            _worker.SubmitLong(delegate { Sign(stream, request, file, found, (int)block, name); });
        }
    }

    void Sign(int stream, Request request, OpenFile file, Facts found, int block, string path)
    {
        string digest;
        try { digest = Sign(stream, request, file, found.Size, block, path); }
        catch (Exception error)
        {
            SystemError system = error as SystemError;
            if (!_closed) Fail(stream, system == null ? error : system.RefuseWrite(path));
            return;
        }
        finally { file.Close(); }
        if (_closed) return;
        Done(stream, new Fields().Add("path", path).Add("size", found.Size)
             .Add("mtime", Arguments.TimeText(found.Mtime)).Add("sha256", digest));
    }

    string Sign(int stream, Request request, OpenFile file, long size, int block, string path)
    {
        Sha256 whole = new Sha256();
        byte[] buffer = new byte[Wire.Chunk];
        int perFrame = Math.Max(1, (_frame - 8) / 12);
        MemoryStream entries = new MemoryStream();
        long sent = 0;
        for (long at = 0; at < size; at += block)
        {
            AddEntry(entries, request, file, whole, buffer, Math.Min(block, size - at), path);
            if (entries.Length < 12 * perFrame && at + block < size) continue;
            if (!SendEntries(stream, entries, sent) || request.IsCancelled) break;
            sent += entries.Length;
            entries.SetLength(0);
        }
        if (request.IsCancelled) throw new Refused("cancelled", "cancelled", path);
        return whole.FinishHex();
    }

    static void AddEntry(MemoryStream entries, Request request, OpenFile file, Sha256 whole, byte[] buffer, long length,
                         string path)
    {
        Sha256 strong = new Sha256();
        uint weak = 1;
        while (length > 0 && !request.IsCancelled)
        {
            int count = file.Read(buffer, 0, (int)Math.Min(buffer.Length, length));
            if (count <= 0) throw new Refused("basis-changed", "the file became shorter", path);
            whole.Add(buffer, 0, count);
            strong.Add(buffer, 0, count);
            weak = Adler32.Add(weak, buffer, 0, count);
            length -= count;
        }
        byte[] entry = new byte[4];
        Bytes.PutU32(entry, 0, weak);
        entries.Write(entry, 0, 4);
        entries.Write(strong.Finish(), 0, 8);
    }

    bool SendEntries(int stream, MemoryStream entries, long offset)
    {
        byte[] payload = new byte[8 + entries.Length];
        Bytes.PutU64(payload, 0, (ulong)offset);
        Buffer.BlockCopy(entries.ToArray(), 0, payload, 8, (int)entries.Length);
        return _sendData(stream, payload);
    }
}

}
