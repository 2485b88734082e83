// These tests check the tree, not a promise to users.
[assembly: Trait("Exempt", "checks the source tree")]
