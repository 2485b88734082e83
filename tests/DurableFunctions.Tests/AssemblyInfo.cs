// Most of their time the tests wait: for queues that are polled, for leases, for a process that was killed.
[assembly: Xunit.v3.Parallelization(MaxThreads = 8)]
[assembly: AssemblyFixture(typeof(Polyphony.DurableFunctions.Tests.Http.AzureStorageApi))]
