// What commands print that run in the test process belongs to their test, and not on the terminal of whoever runs the suite.
[assembly: CaptureConsole]
