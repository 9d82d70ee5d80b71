# Completion of autochrome for PowerShell.
Register-ArgumentCompleter -Native -CommandName autochrome -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $elements = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
            ForEach-Object { $_.Extent.Text.Trim("'", '"') })
    $words = @($elements | Select-Object -Skip 1)
    if ($wordToComplete -eq '') { $words += '' }
    # A dot behind the last word: older versions pass on no empty arguments.
    $words[-1] = $words[-1] + '.'
    $lines = @(& $elements[0] __complete powershell @words 2>$null)
    if ($lines.Count -eq 0 -or $lines[0] -ne ':words') { return }
    $lines | Select-Object -Skip 1 | ForEach-Object {
        $value, $text = $_ -split "`t", 2
        if (-not $text) { $text = $value }
        $quoted = $value
        # Much more than blanks means something to PowerShell, which also takes the
        # quotes of typographers for quotes.
        if ($value -notmatch '^[\w./:=+-][\w./:=+@~-]*$') { $quoted = "'" + ($value -replace "['\u2018-\u201b]", '$0$0') + "'" }
        [System.Management.Automation.CompletionResult]::new($quoted, $value, 'ParameterValue', $text)
    }
}
