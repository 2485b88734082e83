using Polyphony.Contract.Http;

namespace Polyphony.DurableFunctions.Tests.Http;

public sealed class AzureStorageStartTests(AzureStorageApi api) : StartContract(api.Get());

public sealed class AzureStorageInstanceTests(AzureStorageApi api) : InstanceContract(api.Get());

public sealed class AzureStorageBadInputTests(AzureStorageApi api) : BadInputContract(api.Get());

public sealed class AzureStorageTopicTests(AzureStorageApi api) : TopicContract(api.Get());

public sealed class AzureStorageUsageTests(AzureStorageApi api) : UsageContract(api.Get());
