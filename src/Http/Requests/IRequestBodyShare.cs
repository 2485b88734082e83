namespace Polyphony.Http.Requests;

/// <summary>A request's share of what a host has for bodies; a feature of the request on hosts that bound them together.</summary>
internal interface IRequestBodyShare
{
    /// <summary>Gives the share back when the body was read, for others. Once is enough; more often does nothing.</summary>
    void GiveBack();
}
