using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Providers;

/// <summary>Streams of clients whose answers come whole: an answer is recorded before it is used, so there is nobody to stream to.</summary>
internal static class WholeAnswers
{
    /// <summary>Gives an answer as a stream.</summary>
    /// <param name="client">The client.</param>
    /// <param name="messages">The messages.</param>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The updates, all at once.</returns>
    public static async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        IChatClient client, IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var update in (await client.GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }
}
