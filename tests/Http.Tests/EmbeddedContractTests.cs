using Polyphony.Contract.Http;

[assembly: AssemblyFixture(typeof(Polyphony.Http.Tests.HostFixture))]

namespace Polyphony.Http.Tests;

public sealed class EmbeddedStartTests(HostFixture host) : StartContract(host.Api);

public sealed class EmbeddedInstanceTests(HostFixture host) : InstanceContract(host.Api);

public sealed class EmbeddedBadInputTests(HostFixture host) : BadInputContract(host.Api);

public sealed class EmbeddedTopicTests(HostFixture host) : TopicContract(host.Api);

public sealed class EmbeddedUsageTests(HostFixture host) : UsageContract(host.Api);

public sealed class EmbeddedLoadTests(HostFixture host) : LoadContract(host.Api);
