// A network with two subnets: one that the app's instances join, one for private endpoints.

@description('Name of the virtual network.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

@description('Address range, /16 to /23; the subnets take its first two /24.')
param addressPrefix string

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          // What Flex Consumption asks for; other plans ask for Microsoft.Web/serverFarms.
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 1)
        }
      }
    ]
  }

  resource app 'subnets' existing = {
    name: 'app'
  }

  resource endpoints 'subnets' existing = {
    name: 'endpoints'
  }
}

@description('Resource id of the network.')
output id string = network.id

@description('Resource id of the subnet that the app joins.')
output appSubnetId string = network::app.id

@description('Resource id of the subnet for private endpoints.')
output endpointSubnetId string = network::endpoints.id
