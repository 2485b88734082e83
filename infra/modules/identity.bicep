// The identity that the app runs as. It is made first, so that every other module can give it the one role it needs there.

@description('Name of the user-assigned identity.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id, as the function app refers to it.')
output id string = identity.id

@description('Client id, by which the app picks it among several identities.')
output clientId string = identity.properties.clientId

@description('Object id, to which roles are assigned.')
output principalId string = identity.properties.principalId
