using System;
using System.Collections.Generic;
using System.Threading;

namespace Guestwire
{

/// <summary>Runs jobs in order in one thread, and long ones in a few others.</summary>
class Worker
{
    readonly Queue<Job> _jobs = new Queue<Job>();
    readonly Queue<Job> _long = new Queue<Job>();
    readonly List<Thread> _threads = new List<Thread>();
    readonly string _name;
    int _idleFinishers;
    bool _stopping;

    public Worker(string name)
    {
        _name = name;
        Start(Run, "worker");
    }

    void Start(ThreadStart run, string what)
    {
        Thread thread = new Thread(run);
        thread.Name = _name + " " + what;
        thread.IsBackground = true;
        lock (_threads) _threads.Add(thread);
        thread.Start();
    }

    public void Submit(Job job)
    {
        lock (_jobs)
        {
            _jobs.Enqueue(job);
            Monitor.PulseAll(_jobs);
        }
    }

    public void SubmitLong(Job job)
    {
        lock (_long)
        {
            _long.Enqueue(job);
            if (_idleFinishers < _long.Count && _threads.Count <= Wire.Finishers) Start(RunLong, "finisher");
            Monitor.Pulse(_long);
        }
    }

    /// <summary>Waits until all jobs are done, at most until `limit`.</summary>
    public void Stop(double limit)
    {
        lock (_jobs)
        {
            _stopping = true;
            Monitor.PulseAll(_jobs);
        }
        lock (_long) Monitor.PulseAll(_long);
        Thread[] threads;
        lock (_threads) threads = _threads.ToArray();
        foreach (Thread thread in threads) thread.Join((int)(1000 * Math.Max(0, limit - Clock.Now)));
    }

    void Run()
    {
        while (true)
        {
            Job job;
            lock (_jobs)
            {
                while (_jobs.Count == 0)
                {
                    if (_stopping) return;
                    Monitor.Wait(_jobs);
                }
                job = _jobs.Dequeue();
            }
            Guard(job);
        }
    }

    void RunLong()
    {
        while (true)
        {
            Job job;
            lock (_long)
            {
                while (_long.Count == 0)
                {
                    if (_stopping) return;
                    _idleFinishers++;
                    Monitor.Wait(_long);
                    _idleFinishers--;
                }
                job = _long.Dequeue();
            }
            Guard(job);
        }
    }

    /// <summary>A defect must not end the thread.</summary>
    public static void Guard(Job job)
    {
        try { job(); }
        catch (Exception error) { Log.Defect(error); }
    }
}

}
