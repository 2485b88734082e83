using Polyphony.Cli;

return await CommandLine.RunAsync(args);
