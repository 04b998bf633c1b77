# What PowerShell's own parser makes of each script in the JSON array on standard input: tokens, commands, types, errors.
function Find-Node($tree, $type) { , @($tree.FindAll({ param($node) $node -is $type }.GetNewClosure(), $true)) }

function Get-Kind($token) {
  if ($token -is [System.Management.Automation.Language.VariableToken]) { return 'Variable' }
  if ($token.TokenFlags.HasFlag([System.Management.Automation.Language.TokenFlags]::Keyword)) { return 'Keyword' }
  if ($token -is [System.Management.Automation.Language.StringToken]) { return 'String' }
  'Operator'
}

function Read-Script($source) {
  $tokens = $null
  $errors = $null
  $tree = [System.Management.Automation.Language.Parser]::ParseInput($source, [ref]$tokens, [ref]$errors)
  $commands = foreach ($command in (Find-Node $tree ([System.Management.Automation.Language.CommandAst]))) {
    @{
      name = "$($command.CommandElements[0])"
      parameters = @($command.CommandElements |
        Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] } | ForEach-Object ParameterName)
    }
  }
  $types = foreach ($name in 'TypeExpressionAst', 'TypeConstraintAst') {
    foreach ($node in (Find-Node $tree ("System.Management.Automation.Language.$name" -as [type]))) { $node.TypeName.FullName }
  }
  @{
    tokens = @(foreach ($token in $tokens) { , @((Get-Kind $token), $token.Text) }); commands = @($commands)
    types = @($types); errors = @($errors | ForEach-Object Message)
  }
}

$made = foreach ($source in (ConvertFrom-Json ([Console]::In.ReadToEnd()))) { Read-Script $source }
ConvertTo-Json -InputObject @($made) -Depth 6 -Compress
